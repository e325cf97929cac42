import { describe, expect, test } from 'vitest';
import type { CommandOutcome, Mount, RunPlace, RunRequest } from '@cachelane/core';
import type { RuntimeFactory, RuntimeFixture } from './runtime-fixture.ts';

const exited = (exitCode: number): CommandOutcome => ({
  kind: 'exited',
  exitCode,
  interrupted: false,
  receivedSignal: null,
});

function requestOf(fixture: RuntimeFixture, argv: readonly string[], mounts: readonly Mount[]): RunRequest {
  const leaseFile = mounts.length === 0 ? null : fixture.leaseFile();
  return { argv, cwd: fixture.cwd, env: fixture.env, mounts, leaseFile };
}

interface Ran {
  readonly outcome: CommandOutcome;
  readonly places: readonly RunPlace[];
}

async function run(fixture: RuntimeFixture, argv: readonly string[], mounts: readonly Mount[]): Promise<Ran> {
  const places: RunPlace[] = [];
  const request = { ...requestOf(fixture, argv, mounts), onPlace: (place: RunPlace) => void places.push(place) };
  const outcome = await fixture.runtime.run(request);
  return { outcome, places };
}

/** Runs a command that leaves a process; returns its place. */
async function placeWith(fixture: RuntimeFixture, name: string, endedBy: 'TERM' | 'KILL'): Promise<RunPlace> {
  const { outcome, places } = await run(fixture, fixture.commands.leaves(name, endedBy), [fixture.mount()]);
  expect(outcome).toEqual(exited(0));
  const [place] = places;
  if (place === undefined) throw new Error('the place was not reported');
  return place;
}

/** The conformance suite of the runtime port. */
export function runtimeConformance(name: string, create: RuntimeFactory): void {
  describe(`${name} is a runtime`, () => {
    describe.each(['with volumes', 'bare'])('a command %s', (how) => {
      const mountsOf = (fixture: RuntimeFixture): readonly Mount[] =>
        how === 'bare' ? [] : [fixture.mount(), fixture.mount()];

      test('ends with its exit code', async () => {
        await using fixture = await create();
        const mounts = mountsOf(fixture);
        // Includes codes that flock, env and bubblewrap use themselves.
        for (const exitCode of [0, 1, 2, 64, 66, 69, 71, 73, 98, 99, 125, 126, 127, 128, 255]) {
          const { outcome } = await run(fixture, fixture.commands.exits(exitCode), mounts);
          expect(outcome).toEqual(exited(exitCode));
        }
      });

      test('ended by signal n has exit code 128 + n, and counts as interrupted', async () => {
        await using fixture = await create();
        const { outcome } = await run(fixture, fixture.commands.diesOf('SIGTERM'), mountsOf(fixture));
        expect(outcome).toEqual({ ...exited(143), interrupted: true });
      });

      test('that does not exist ends with 127', async () => {
        await using fixture = await create();
        const { outcome } = await run(fixture, fixture.commands.missing, mountsOf(fixture));
        expect(outcome).toEqual(exited(127));
      });
    });

    test("a command's writes are in the upper directory of the volume", async () => {
      await using fixture = await create();
      const [one, other] = [fixture.mount(), fixture.mount()];
      const { outcome } = await run(fixture, fixture.commands.writes(one, 'made'), [one, other]);
      expect(outcome).toEqual(exited(0));
      expect(fixture.files(one)).toEqual(['made']);
      expect(fixture.files(other)).toEqual([]);
    });

    test('if mounts fail, nothing runs, and there is a reason', async () => {
      await using fixture = await create();
      const mount = fixture.mount();
      const { outcome } = await run(fixture, fixture.commands.writes(mount, 'made'), [mount, fixture.brokenMount()]);
      expect(outcome).toEqual({ kind: 'not-started', reason: expect.stringMatching(/\w+/) });
      expect(fixture.files(mount)).toEqual([]);
    });

    test('only the command sees a layer in an image, unless images are refused and nothing ran', async () => {
      await using fixture = await create();
      const { commands } = fixture;
      const mount = fixture.imageMount();
      if (mount === null) return;
      const [image] = mount.images;
      if (image === undefined) throw new Error('there is no image in the volume');
      const [found, missing] = [
        await run(fixture, commands.finds(mount, 'kept'), [mount]),
        await run(fixture, commands.finds(mount, 'other'), [mount, fixture.mount()]),
      ];
      const refused = expect.objectContaining({ kind: 'not-started', reason: expect.stringMatching(/\w+/) });
      expect(found.outcome).toEqual(fixture.mountsImages ? exited(0) : refused);
      expect(missing.outcome).toEqual(fixture.mountsImages ? exited(1) : refused);
      expect(fixture.isMountedForAll(image)).toBe(false);
      const nowhere = { ...mount, images: [{ ...image, file: `${image.file}.none` }] };
      const { outcome } = await run(fixture, commands.finds(mount, 'kept'), [nowhere]);
      expect(outcome).toEqual(refused);
    });

    test('the place is reported once, before the end, and belongs to one run', async () => {
      await using fixture = await create();
      const seen: string[] = [];
      const mount = fixture.mount();
      const ran = fixture.runtime.run({
        ...requestOf(fixture, fixture.commands.exits(0), [mount]),
        onPlace: () => void seen.push('place'),
      });
      await ran.then(() => seen.push('end'));
      expect(seen).toEqual(['place', 'end']);
      const first = await run(fixture, fixture.commands.exits(0), [fixture.mount()]);
      const second = await run(fixture, fixture.commands.exits(0), [fixture.mount()]);
      expect(first.places).toHaveLength(1);
      expect(first.places).not.toEqual(second.places);
    });

    test('after a command without leftovers, its place is empty', async () => {
      await using fixture = await create();
      const { places } = await run(fixture, fixture.commands.exits(0), [fixture.mount()]);
      for (const place of places) {
        expect(await fixture.runtime.survivors(place)).toEqual([]);
        expect(await fixture.runtime.endSurvivors(place, 1000)).toEqual([]);
      }
    });

    test.each(['TERM', 'KILL'] as const)(
      'a process that outlives its command is named, and ended by %s',
      async (endedBy) => {
        await using fixture = await create();
        const place = await placeWith(fixture, 'leftover', endedBy);
        const other = await placeWith(fixture, 'another', 'TERM');
        expect(await fixture.runtime.survivors(place)).toEqual([{ pid: expect.any(Number), name: 'leftover' }]);
        expect(await fixture.runtime.endSurvivors(place, 100)).toEqual([]);
        expect(await fixture.runtime.survivors(place)).toEqual([]);
        expect(await fixture.runtime.survivors(other)).toEqual([{ pid: expect.any(Number), name: 'another' }]);
        expect(await fixture.runtime.endSurvivors(other, 5000)).toEqual([]);
      },
    );

    test('a signal to this process is passed to the command, and this process continues', async () => {
      await using fixture = await create();
      const mount = fixture.mount();
      const ran = run(fixture, fixture.commands.waits(mount), [mount]);
      await fixture.until(() => fixture.files(mount).includes('waiting'));
      fixture.signalUs('SIGHUP');
      expect((await ran).outcome).toEqual({
        kind: 'exited',
        exitCode: 129,
        interrupted: true,
        receivedSignal: 'SIGHUP',
      });
    });

    test('a command that ends well after such a signal still counts as interrupted', async () => {
      await using fixture = await create();
      const mount = fixture.mount();
      const ran = run(fixture, fixture.commands.obeys(mount, 'SIGHUP'), [mount]);
      await fixture.until(() => fixture.files(mount).includes('waiting'));
      fixture.signalUs('SIGHUP');
      expect((await ran).outcome).toEqual({ ...exited(0), interrupted: true, receivedSignal: 'SIGHUP' });
    });
  });
}
