/** Returns external text for a terminal: control characters become `%XX`. */
export function printable(text: string): string {
  // oxlint-disable-next-line no-control-regex -- these are the characters that must not reach a terminal
  return text.replace(/[\x00-\x1f\x7f-\x9f]/g, (c) => encodeURIComponent(c));
}
