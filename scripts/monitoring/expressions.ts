/* Expressions that many panels have in common. `series` is a metric, with matchers in braces where it needs any. */

/** How many a second, added up over copies. */
export function rateBy(labels: string, series: string): string {
  return `sum by (${labels}) (rate(${series}[$__rate_interval]))`;
}

/** How many in the span of one point. */
export function increaseBy(labels: string, series: string): string {
  return `sum by (${labels}) (increase(${series}[$__rate_interval]))`;
}

/** How many in the time that the board shows. */
export function totalBy(labels: string, series: string): string {
  return `sum by (${labels}) (increase(${series}[$__range]))`;
}

/** Below which `quantile` (0 to 1) of what a histogram observed lies; `series` without `_bucket`. */
export function quantileBy(quantile: number, labels: string, metric: string, matchers = ''): string {
  const by = labels === '' ? 'le' : `le, ${labels}`;
  return `histogram_quantile(${quantile}, sum by (${by}) (rate(${metric}_bucket${matchers}[$__rate_interval])))`;
}

/** `part` of `whole`, 0 to 1, and 0 where there is nothing: both are rates. */
export function shareOf(part: string, whole: string): string {
  return `${part} / clamp_min(${whole}, 0.001)`;
}
