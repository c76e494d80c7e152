/** How long calls took: percentiles of many durations in little memory. */

/** What a percentile may be off by: buckets are as wide as this part of what they hold. */
const STEP = Math.log(1.02);

/** Durations up to this are one bucket, in milliseconds. */
const LEAST = 0.001;

/** Durations, in milliseconds. Percentiles are exact to 1 %. */
export interface Latency {
  readonly calls: number;
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly max: number;
}

/** Collects durations in buckets whose width grows with what they hold, so that there are few however many there are. */
export class Latencies {
  readonly #buckets = new Map<number, number>();
  #calls = 0;
  #max = 0;

  /** `ms` is not negative. */
  add(ms: number): void {
    const bucket = Math.round(Math.log(Math.max(ms, LEAST) / LEAST) / STEP);
    this.#buckets.set(bucket, (this.#buckets.get(bucket) ?? 0) + 1);
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
    for (const [bucket, calls] of [...this.#buckets].toSorted(([left], [right]) => left - right)) {
      passed += calls;
      if (passed >= rank) return Math.min(this.#max, Number((LEAST * Math.exp(bucket * STEP)).toPrecision(3)));
    }
    return 0;
  }
}
