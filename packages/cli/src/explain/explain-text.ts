import { configFileName, seedText, type Tool } from '@cachelane/core';
import { isUnstored } from '@cachelane/engine';
import { formatBytes, formatFields, formatTable, formatTime, plural, printable } from '../base/format.ts';
import { compatText } from '../context/find-volume.ts';
import { shortId } from '../host/print.ts';
import { commitText, isUntried, storedLines, syncText, triedText } from '../inspect/tool-words.ts';
import { linkText } from '../reporters/words.ts';
import { lifetimeFields } from './explain-lifetime.ts';
import { definitionFields, providerFields } from './explain-provider.ts';
import { explainedRemoteText } from './explain-remote.ts';
import { tiersText } from './explain-tiers.ts';
import type { Explained } from './explained.ts';

export function explainText(explained: Explained): string {
  const { context, namespace, namespaceId, planned, chain, chosenBy, choice } = explained;
  const { request, tool, compat } = planned;
  const lane = chain[0]?.link.lane ?? context.lane;
  const fields = formatFields([
    ['volume', `${namespace}:${request.name}`],
    ['lane', `${lane} (level ${context.trust})`],
    ['path', pathText(explained)],
    ['mounter', `${choice.mounter}: ${choice.why}`],
    ['sharing', sharingText(explained)],
    ...providerFields(explained),
    ...definitionFields(request),
    ...(explained.seed === null
      ? []
      : [['seed', `${seedText(explained.seed)}, below the read chain and never saved`] as const]),
    ...(explained.catalog === null ? [] : [['catalog', explained.catalog] as const]),
    [
      'attached by',
      chosenBy === null ? (explained.inFile ?? `-v ${explained.flag}`) : `cachelane run, because of ${chosenBy}`,
    ],
    ['tool', `${tool.name}: ${tool.summary}`],
    ['saved', savedText(explained)],
    ['sync', `${syncText(planned.sync)}${request.sync === null ? '' : `, says ${configFileName}`}`],
    ['shared', explainedRemoteText(explained.remote)],
    ...explained.revoked.map(
      ({ run, atMs, by }) => ['revoked', `${shortId(run)}, ${formatTime(atMs)} by ${by}`] as const,
    ),
    ...lifetimeFields(explained.lifetime),
    ['checks', checksText(tool)],
    ['tried', triedText(tool)],
    ['compat', compatText(compat)],
    ['versions', tool.versions],
    ['low-level id', explained.lowLevelId ?? 'none yet: the namespace gets its id in its first run'],
    ['made of', `namespace ${namespaceId ?? '?'}, volume ${request.name}, compat ${compatText(compat)}, lane ${lane}`],
  ]);
  const table = formatTable(
    [
      { title: 'READS' },
      { title: 'GEN', align: 'right' },
      { title: 'LAYERS', align: 'right' },
      { title: 'FILES', align: 'right' },
      { title: 'SIZE', align: 'right' },
      { title: 'UPDATED' },
    ],
    chain.map(({ link, held }) => [
      linkText(link, namespace),
      String(held?.head.generation ?? 0),
      String(held?.head.layers.length ?? 0),
      String(held?.files ?? 0),
      formatBytes(held?.sizeBytes ?? 0),
      held === null ? '-' : formatTime(held.head.updatedAtMs),
    ]),
  );
  const note = explained.note === null ? '' : `\n${explained.note}\n`;
  return `${answerText(explained)}\n\n${fields}\n${table}\n${tiersText(explained.tiers)}${whyText(explained)}\n${note}`;
}

function pathText({ planned, hasPlace, flag, inFile }: Explained): string {
  if (hasPlace) return `${planned.target} (${planned.targetSource})`;
  return inFile === null ? `each run names it: -v ${flag}` : `the default of ${planned.tool.name}, or path in the file`;
}

/** Returns one sentence: which volume a run gets, and why. */
function answerText(explained: Explained): string {
  const { namespace, planned, hasPlace, flag, inFile, refused, chosenBy, provider, isLeftOut } = explained;
  const { name } = planned.request;
  if (isLeftOut) return `You get no volume: catalog-names is refuse, and no catalog offers ${name}.`;
  if (refused !== null) return `You get no volume${chosenBy === null ? ` with -v ${flag}` : ''}: ${refused}.`;
  if (provider !== null && isUnstored(planned)) {
    return `You get ${provider.gives}, because of the provider ${provider.provider} (${provider.chosenBy}).`;
  }
  const where = hasPlace ? ` at ${planned.target}` : '';
  if (inFile !== null) return `You get ${namespace}:${name}; ${inFile}.`;
  const why = chosenBy === null ? `if the run names it with -v ${flag}` : `because of ${chosenBy}`;
  return `You get ${namespace}:${name}${where}, ${why}.`;
}

/** Returns the answer and the fields that most people need. `typed` is the volume as it was asked for. */
export function explainBriefly(explained: Explained, typed: string): string {
  const { namespace, planned, chain, context, seed, catalog, provider, note } = explained;
  const isStored = !isUnstored(planned) && explained.refused === null;
  const reads = chain.map(({ link, held }) => {
    const holds = held === null ? 'nothing yet' : `${plural(held.files, 'file')}, ${formatBytes(held.sizeBytes)}`;
    return ['reads', `${linkText(link, namespace)}: ${holds}`] as const;
  });
  const [kept] = lifetimeFields(explained.lifetime);
  const fields = formatFields([
    ['path', pathText(explained)],
    ...(isStored ? [['writes', chain[0]?.link.lane ?? context.lane] as const, ...reads.slice(0, 3)] : []),
    ...(provider === null ? [] : providerFields(explained)),
    ...(seed === null ? [] : [['seed', seedText(seed)] as const]),
    ...(catalog === null ? [] : [['catalog', catalog] as const]),
    ['tool', `${planned.tool.name}: ${planned.tool.summary}`],
    ...(isStored
      ? [
          ['saved', `${commitText(planned.commit)} (${planned.commit})`] as const,
          ['shared', explainedRemoteText(explained.remote)] as const,
          ...(kept === undefined ? [] : [kept]),
        ]
      : []),
  ]);
  const rest = note === null ? '' : `\n${note}\n`;
  const more = `More: cachelane explain ${printable(typed)} --verbose\n`;
  return `${answerText(explained)}\n${whyText(explained)}\n\n${fields}${rest}\n${more}`;
}

/** A run that may not save has a private view, whatever the configuration says. */
function sharingText({ choice: { sharing }, planned: { request } }: Explained): string {
  if (request.sharing === null) return sharing;
  return request.sharing === sharing
    ? `${sharing} (${configFileName})`
    : `${sharing}, not ${request.sharing} as in ${configFileName}`;
}

function savedText({ planned }: Explained): string {
  const { request, commit } = planned;
  const who = request.commit === null ? `${planned.tool.name}'s rule` : configFileName;
  return `${commitText(commit)} (${commit}, ${who}); --commit overrides it`;
}

function checksText(tool: Tool): string {
  const lines = storedLines(tool);
  const checked = lines.filter((line) => line.checked !== 'never').map(({ what, checked }) => `${what} ${checked}`);
  return checked.length === 0 ? 'the tool verifies nothing' : `the tool verifies ${checked.join(', ')}`;
}

export function whyText(explained: Explained): string {
  const { context, namespace, planned, chain, tiers, seed, provider, ungranted, isLeftOut, refused } = explained;
  if (isLeftOut) return 'A run here leaves it out: catalog-names is refuse, and it is in no catalog.';
  if (refused !== null) return `A run here leaves it out: ${refused}.`;
  if (provider !== null && isUnstored(planned))
    return `A run here uses ${provider.gives}, which cachelane does not save.`;
  const idle = new Set(tiers.flatMap(({ namespace: tier, isRead }) => (isRead ? [] : [tier])));
  const read = chain.filter(({ link }) => !idle.has(link.namespace));
  const warm = read.filter(({ held }) => held !== null).map(({ link }) => linkText(link, namespace));
  const all = seed === null ? warm : [...warm, `its seed ${seedText(seed)}`];
  const start = all.length === 0 ? 'A run here starts cold' : `A run here starts with ${all.join(', then ')}`;
  const lane = chain[0]?.link.lane ?? context.lane;
  const when = planned.commit === 'success' ? 'if the command succeeds' : 'when the command ends';
  const saves = context.canWrite && planned.commit !== 'never';
  if (saves && ungranted !== null) return `${start}, and saves nothing: ${ungranted.message}; ${ungranted.hint ?? ''}.`;
  const end = saves ? `saves its changes to ${lane} ${when}` : 'saves nothing';
  const untried = isUntried(planned.tool) ? ` These rules are untested with ${planned.tool.name} itself.` : '';
  return `${start}, and ${end}: ${context.why}.${untried}`;
}
