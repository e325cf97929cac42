import type { ApiRequest } from '../request/request.ts';
import { eventNode } from './event-node.ts';

/** Resolvers for the fields of `Subscription`. Each yielded value is a root. */
export const subscriptionRoot = {
  async *events(_: unknown, { caller, signal }: ApiRequest): AsyncGenerator<{ readonly events: object }> {
    for await (const event of caller.client.feed.listen(signal)) yield { events: eventNode(event) };
  },
} as const;
