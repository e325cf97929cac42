import { describe, expect, test } from 'vitest';
import { namingDriverLaws, type NamingDriverSubject } from './naming-driver-laws.ts';
import { versionOf } from './versions.ts';

/** The laws of drivers for files that name other files, in addition to {@link mergeDriverConformance}. */
export function namingDriverConformance(name: string, subject: NamingDriverSubject): void {
  describe(`${name} as a driver of names`, () => {
    test.each(namingDriverLaws)('$name', (law) => {
      law.check(subject);
    });

    test('closing leaves unreadable content alone', () => {
      expect(subject.driver.close?.(versionOf(Uint8Array.of(0xff, 0)), subject.path, () => false)).toBe(null);
    });
  });
}
