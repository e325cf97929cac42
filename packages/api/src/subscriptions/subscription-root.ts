import type { ApiRequest } from '../request/request.ts';
import { eventNode } from './event-node.ts';

/** A method for each field of `Subscription`; what each yields is a root of its own. */
export const subscriptionRoot = {
  async *events(_: unknown, { caller, signal }: ApiRequest): AsyncGenerator<{ readonly events: object }> {
    for await (const event of caller.client.feed.listen(signal)) yield { events: eventNode(event) };
  },
} as const;
