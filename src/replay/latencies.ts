/** How long calls took: percentiles of many durations in little memory. */

/** How much wider a bucket ends than it begins: 2 %. */
const STEP = Math.log(1.02);

/** Durations up to this are one bucket, in milliseconds. */
const LEAST = 0.001;

/** Durations, in milliseconds. A percentile is a duration that there was, and at most 2 % over the exact one. */
export interface Latency {
  readonly calls: number;
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly max: number;
}

/** Collects durations in buckets whose width grows with what they hold, so that there are few however many there are. */
export class Latencies {
  readonly #buckets = new Map<number, { calls: number; max: number }>();
  #calls = 0;
  #max = 0;

  /** `ms` is not negative. */
  add(ms: number): void {
    const number = Math.floor(Math.log(Math.max(ms, LEAST) / LEAST) / STEP);
    const bucket = this.#buckets.get(number);
    if (bucket === undefined) this.#buckets.set(number, { calls: 1, max: ms });
    else {
      bucket.calls += 1;
      bucket.max = Math.max(bucket.max, ms);
    }
    this.#calls += 1;
    this.#max = Math.max(this.#max, ms);
  }

  get summary(): Latency {
    return {
      calls: this.#calls,
      p50: this.#percentile(0.5),
      p95: this.#percentile(0.95),
      p99: this.#percentile(0.99),
      max: this.#max,
    };
  }

  /** The least duration that at least this part of all does not exceed (nearest rank). */
  #percentile(part: number): number {
    const rank = Math.ceil(part * this.#calls);
    let passed = 0;
    for (const [, { calls, max }] of [...this.#buckets].toSorted(([left], [right]) => left - right)) {
      passed += calls;
      if (passed >= rank) return max;
    }
    return 0;
  }
}
