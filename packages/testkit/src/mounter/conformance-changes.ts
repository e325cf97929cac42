import { digestOf, type BytePath } from '@cachelane/core';
import { describe, expect, test } from 'vitest';
import {
  attach,
  changesOf,
  collect,
  describeChanges,
  isParentsFirst,
  layerOf,
  lookAt,
  noAbort,
  save,
} from './conformance-helpers.ts';
import type { MounterFactory } from './mounter-fixture.ts';
import type { VolumeStep } from './volume-steps.ts';

/** A volume with some entries of each kind. */
const base: readonly VolumeStep[] = [
  { do: 'write', path: 'file', content: 'file' },
  { do: 'write', path: 'other', content: 'other' },
  { do: 'mkdir', path: 'dir/sub' },
  { do: 'write', path: 'dir/a', content: 'a' },
  { do: 'write', path: 'dir/sub/b', content: 'b' },
  { do: 'mkdir', path: 'second' },
  { do: 'write', path: 'second/c', content: 'c' },
  { do: 'symlink', path: 'link', target: 'dir/a' },
];

/** Steps of a run over that volume, and the expected changes. */
const cases: readonly (readonly [string, readonly VolumeStep[], Readonly<Record<string, string>>])[] = [
  ['nothing', [], {}],
  ['a new file', [{ do: 'write', path: 'dir/new', content: 'n' }], { 'dir/new': 'file 644 n' }],
  [
    'a new directory',
    [
      { do: 'mkdir', path: 'dir/new/deep' },
      { do: 'write', path: 'dir/new/deep/f', content: 'n' },
    ],
    { 'dir/new': 'dir 755', 'dir/new/deep': 'dir 755', 'dir/new/deep/f': 'file 644 n' },
  ],
  ['other content', [{ do: 'write', path: 'dir/sub/b', content: 'B' }], { 'dir/sub/b': 'file 644 B' }],
  ['the same content again', [{ do: 'write', path: 'file', content: 'file' }], { file: 'file 644 file' }],
  ['another mode', [{ do: 'chmod', path: 'file', mode: 0o600 }], { file: 'file 600 file' }],
  ['another mode of a directory', [{ do: 'chmod', path: 'dir', mode: 0o700 }], { dir: 'dir 700' }],
  ['another time', [{ do: 'touch', path: 'file', seconds: 7_258_118_400 }], { file: 'file 644 file' }],
  ['a removed file', [{ do: 'remove', path: 'dir/a' }], { 'dir/a': 'removed' }],
  ['a removed symlink', [{ do: 'remove', path: 'link' }], { link: 'removed' }],
  ['a removed directory', [{ do: 'remove', path: 'dir' }], { dir: 'removed' }],
  [
    'an entry created and removed again',
    [
      { do: 'mkdir', path: 'dir/tmp' },
      { do: 'write', path: 'dir/tmp/f', content: 't' },
      { do: 'remove', path: 'dir/tmp' },
    ],
    {},
  ],
  [
    'a directory removed and created again',
    [
      { do: 'remove', path: 'dir' },
      { do: 'mkdir', path: 'dir/sub' },
      { do: 'write', path: 'dir/a', content: 'a' },
    ],
    { dir: 'dir 755 replaces', 'dir/a': 'file 644 a', 'dir/sub': 'dir 755 replaces' },
  ],
  [
    'a directory in place of a file',
    [
      { do: 'remove', path: 'file' },
      { do: 'mkdir', path: 'file' },
    ],
    { file: 'dir 755' },
  ],
  [
    'a file in place of a directory',
    [
      { do: 'remove', path: 'dir' },
      { do: 'write', path: 'dir', content: 'now a file' },
    ],
    { dir: 'file 644 now a file' },
  ],
  [
    'a renamed file',
    [{ do: 'rename', from: 'file', to: 'dir/moved' }],
    { 'dir/moved': 'file 644 file', file: 'removed' },
  ],
  [
    'a renamed directory of the view',
    [{ do: 'rename', from: 'dir', to: 'moved' }],
    {
      dir: 'removed',
      moved: 'dir 755',
      'moved/a': 'file 644 a',
      'moved/sub': 'dir 755',
      'moved/sub/b': 'file 644 b',
    },
  ],
  [
    'a new directory moved into one of the view',
    [
      { do: 'mkdir', path: 'tmp/pkg' },
      { do: 'write', path: 'tmp/pkg/f', content: 'f' },
      { do: 'rename', from: 'tmp/pkg', to: 'second/pkg' },
      { do: 'remove', path: 'tmp' },
    ],
    { 'second/pkg': 'dir 755', 'second/pkg/f': 'file 644 f' },
  ],
  [
    'a new directory moved over one of the view',
    [
      { do: 'mkdir', path: 'tmp' },
      { do: 'write', path: 'tmp/f', content: 'f' },
      { do: 'rename', from: 'tmp', to: 'dir' },
    ],
    { dir: 'dir 755 replaces', 'dir/f': 'file 644 f' },
  ],
  [
    'a marked directory moved to a place without a merge',
    [
      { do: 'mkdir', path: 'tmp' },
      { do: 'write', path: 'tmp/f', content: 'f' },
      { do: 'rename', from: 'tmp', to: 'dir/tmp' },
      { do: 'mkdir', path: 'new' },
      { do: 'rename', from: 'dir/tmp', to: 'new/tmp' },
    ],
    { new: 'dir 755', 'new/tmp': 'dir 755', 'new/tmp/f': 'file 644 f' },
  ],
  [
    'hard links',
    [
      { do: 'link', from: 'file', to: 'dir/linked' },
      { do: 'write', path: 'dir/linked', content: 'both' },
    ],
    { 'dir/linked': 'file 644 both', file: 'file 644 both' },
  ],
  [
    'symlinks, wherever they lead',
    [
      { do: 'symlink', path: 'dir/root', target: '/' },
      { do: 'symlink', path: 'dir/loop', target: 'loop' },
      { do: 'symlink', path: 'dir/\xff', target: '\xfe' },
    ],
    { 'dir/loop': 'symlink loop', 'dir/root': 'symlink /', 'dir/\xff': 'symlink \xfe' },
  ],
  [
    'special files',
    [
      { do: 'fifo', path: 'dir/pipe' },
      { do: 'write', path: 'dir/beside', content: 'b' },
    ],
    { 'dir/beside': 'file 644 b', 'dir/pipe': 'special fifo' },
  ],
  [
    'odd names',
    [
      { do: 'write', path: 'caf\xe9', content: '1' },
      { do: 'write', path: '-rf', content: '2' },
      { do: 'write', path: ' new\nline ', content: '3' },
      { do: 'mkdir', path: '\x80\xff' },
      { do: 'write', path: '\x80\xff/.wh.a', content: '4' },
      { do: 'write', path: 'n'.repeat(255), content: '5' },
    ],
    {
      'caf\xe9': 'file 644 1',
      '-rf': 'file 644 2',
      ' new\nline ': 'file 644 3',
      '\x80\xff': 'dir 755',
      '\x80\xff/.wh.a': 'file 644 4',
      ['n'.repeat(255)]: 'file 644 5',
    },
  ],
  [
    'entries that their owner may not read or write',
    [
      { do: 'write', path: 'shut', content: 'secret' },
      { do: 'chmod', path: 'shut', mode: 0 },
      { do: 'mkdir', path: 'locked/deeper' },
      { do: 'write', path: 'locked/deeper/f', content: 'f' },
      { do: 'chmod', path: 'locked/deeper', mode: 0 },
      { do: 'chmod', path: 'locked', mode: 0o555 },
    ],
    {
      locked: 'dir 555',
      'locked/deeper': 'dir 0',
      'locked/deeper/f': 'file 644 f',
      shut: 'file 0 secret',
    },
  ],
];

export function changeConformance(create: MounterFactory): void {
  describe('a run over a view', () => {
    test.each(cases)('reports the change: %s', async (_, steps, expected) => {
      await using fixture = await create();
      const view = [await layerOf(fixture, base)];
      const before = await lookAt(fixture, view);
      const changes = await changesOf(fixture, view, steps);
      expect(describeChanges(changes, before)).toEqual(
        Object.fromEntries(Object.entries(expected).toSorted(([a], [b]) => (a < b ? -1 : 1))),
      );
      expect(isParentsFirst(changes)).toBe(true);
      for (const change of changes.changes) {
        expect(changes.find(change.path)).toEqual(change);
        if (change.kind !== 'file') continue;
        const content = changes.read(change.path);
        expect(content.length).toBe(change.sizeBytes);
        expect(changes.digest(change.path)).toBe(digestOf(content));
        expect(Buffer.from(changes.readHead(change.path, 2))).toEqual(Buffer.from(content.subarray(0, 2)));
      }
      expect(changes.find('no/such/path' as BytePath)).toBeUndefined();
      const sound = await fixture.layers.verify(view[0]?.key as never, noAbort);
      expect(sound.problems).toEqual([]);
    });

    // Without an owner's rights, only root can read.
    const visible = cases.filter(([name]) => !name.startsWith('entries that their owner') && name !== 'special files');

    test.each(visible)('shows the next run the change: %s', async (_, steps) => {
      await using fixture = await create();
      const view = [await layerOf(fixture, base)];
      const volume = await attach(fixture, view);
      await fixture.run(volume, steps);
      const seen = await fixture.look(volume);
      const layer = await save(fixture, await collect(volume));
      expect((await fixture.layers.verify(layer.key as never, noAbort)).problems).toEqual([]);
      expect(await lookAt(fixture, [layer, ...view])).toEqual(seen);
    });
  });

  describe('a run without a view', () => {
    test.each(cases.filter(([name]) => ['odd names', 'entries that their owner may not read or write'].includes(name)))(
      'reports the change: %s',
      async (_, steps, expected) => {
        await using fixture = await create();
        const changes = await changesOf(fixture, [], steps);
        expect(describeChanges(changes, new Map())).toEqual(expected);
      },
    );

    test('keeps times to the nanosecond', async () => {
      await using fixture = await create();
      const changes = await changesOf(
        fixture,
        [],
        [
          { do: 'write', path: 'f', content: 'x' },
          { do: 'touch', path: 'f', seconds: 1_600_000_000 },
        ],
      );
      const layer = await save(fixture, changes);
      expect(layer.index.find('f' as BytePath)?.mtimeNs).toBe(1_600_000_000_000_000_000n);
    });
  });
}
