/** Measuring in turns: the machine's speed drifts, so things that are compared run side by side, slice by slice. */

/** One thing to measure: does `times` operations one after another. */
export interface Subject {
  readonly name: string;
  readonly run: (times: number) => Promise<void> | void;
}

/** Microseconds per operation: the median over all slices, and the slowest slice. */
export interface Timing {
  readonly name: string;
  readonly median: number;
  readonly slowest: number;
}

/** Runs every subject for `rounds` slices of `times` operations, in a new random order each round. */
export async function measure(subjects: readonly Subject[], rounds: number, times: number): Promise<readonly Timing[]> {
  const slices = new Map<Subject, number[]>(subjects.map((subject) => [subject, []]));
  for (const subject of subjects) await subject.run(times);
  for (let round = 0; round < rounds; round += 1) {
    for (const subject of shuffled(subjects)) {
      const start = performance.now();
      await subject.run(times);
      slices.get(subject)?.push(((performance.now() - start) * 1000) / times);
    }
  }
  return subjects.map((subject) => {
    const sorted = (slices.get(subject) ?? []).toSorted((left, right) => left - right);
    return { name: subject.name, median: sorted[Math.floor(sorted.length / 2)] ?? NaN, slowest: sorted.at(-1) ?? NaN };
  });
}

/** The items in a random order. */
export function shuffled<T>(items: readonly T[]): T[] {
  return items
    .map((item) => ({ item, order: Math.random() }))
    .toSorted((left, right) => left.order - right.order)
    .map(({ item }) => item);
}

/** Prints timings, each beside the first as a ratio. */
export function report(title: string, unit: string, timings: readonly Timing[]): void {
  const base = timings[0]?.median ?? NaN;
  console.log(`\n${title}`);
  for (const { name, median, slowest } of timings) {
    const ratio = (median / base).toFixed(2).padStart(7);
    console.log(`  ${name.padEnd(46)}${format(median)} ${unit}   slowest ${format(slowest)}   ratio ${ratio}`);
  }
}

function format(value: number): string {
  return value.toFixed(value < 10 ? 2 : 0).padStart(9);
}
