/** Currencies, by their codes of ISO 4217, and how far each is divided. */

/** Currencies whose smallest unit is not a hundredth: how many decimals they have. */
const DECIMALS: ReadonlyMap<string, number> = new Map([
  ..."BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF".split(" ").map((code) => [code, 0] as const),
  ..."BHD IQD JOD KWD LYD OMR TND".split(" ").map((code) => [code, 3] as const),
  ..."CLF UYW".split(" ").map((code) => [code, 4] as const),
]);

/** How many decimals an amount in the currency may have. */
export function decimalsOf(currency: string): number {
  return DECIMALS.get(currency) ?? 2;
}
