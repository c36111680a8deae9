// Ranges of elements: all of an array or buffer, some, or rows.

/** The fields of a range. */
export const places = ["first", "length", "rows", "pitch"];

const isIndex = (number) => Number.isSafeInteger(number) && number >= 0;

/** Where elements lie: as many `rows` of `width`, of which each begins `pitch` after the one before. */
export function range({ first = 0, length, rows, pitch }, available, role) {
  const isOne = rows === undefined && pitch === undefined;
  const width = length ?? (isOne ? Math.max(available - first, 0) : undefined);
  if (![first, width ?? 0].every(isIndex)) {
    throw new RangeError(`first and length of ${role} count elements: give integers from 0 on`);
  }
  if (!isOne && ![width, rows, pitch ?? width].every(isIndex)) {
    throw new RangeError(`rows of ${role} take length, rows and, for padding, pitch: give integers from 0 on`);
  }
  return isOne ? { first, width, rows: 1, pitch: width } : { first, width, rows, pitch: pitch ?? width };
}

/**
 * Refuses ranges, by their roles, that have not as many elements as the first. Where one has rows, one range of as many
 * elements stands for the same rows without padding.
 */
export function alike(ranges) {
  const [[role, first]] = Object.entries(ranges);
  for (const [other, range] of Object.entries(ranges)) {
    const [wanted, found] = [first.width * first.rows, range.width * range.rows];
    if (wanted !== found) {
      throw new RangeError(`${role} has ${wanted} elements and ${other} ${found}: give ranges of one length`);
    }
  }
  const { width, rows } = Object.values(ranges).find((range) => range.rows > 1) ?? first;
  for (const range of Object.values(ranges)) if (range.rows === 1) Object.assign(range, { width, rows, pitch: width });
}

/** An integer that counts bytes, from 0 on. */
export function offsetOf(offset, role) {
  if (!isIndex(offset)) throw new RangeError(`the offset of ${role} is in bytes: give an integer from 0 on`);
  return offset;
}
