import {
  asCachelaneError,
  mergesByPath,
  warningOf,
  type HeadRecord,
  type PinnedLink,
  type SessionId,
} from '@cachelane/core';
import type { EngineDependencies } from '../model/engine-dependencies.ts';
import { squashHead } from '../heads/squash-head.ts';
import { isSeenTier } from '../tiers/lineage.ts';
import { openView } from '../views/view.ts';
import type { PlannedVolume } from '../model/planned-volume.ts';

/** Composes the next run's view and squashes the lane. A failure only costs the next run time. */
export async function prepareNextView(
  deps: EngineDependencies,
  session: { readonly planned: PlannedVolume; readonly links: readonly PinnedLink[] },
  { head, sessionId }: { readonly head: HeadRecord; readonly sessionId: SessionId },
  signal: AbortSignal,
): Promise<void> {
  const { own, tool } = session.planned;
  const { generation, layers } = await squashHead(deps, { head, tool, sessionId }, signal);
  const rest = session.links.filter((link) => link.namespace !== own.namespace || link.lane !== own.lane);
  const all = [{ ...own, generation, layers }, ...rest];
  // The first save drops tiers from the chain; seeds stay.
  const links = mergesByPath(tool) ? all : all.filter((link) => !isSeenTier(session.planned, link));
  try {
    await openView(deps, session.planned.tool, links, signal);
  } catch (thrown) {
    const error = asCachelaneError(thrown);
    deps.events(
      warningOf(error, `the next view of ${session.planned.request.name} could not be prepared: ${error.message}`),
    );
  }
}
