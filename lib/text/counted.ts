/** Writes a number with its noun, such as `3 files`. Pure. */

export const counted = (count: number, singular: string, plural = `${singular}s`): string =>
  `${count} ${count === 1 ? singular : plural}`;
