/** As in the schema. */
export const attachModes = ['READ', 'WRITE', 'WRITE_ONLY'] as const;
export type AttachMode = (typeof attachModes)[number];
