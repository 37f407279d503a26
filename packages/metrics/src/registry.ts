import { Registry } from 'prom-client';
import type { HistogramSample } from './histogram.ts';

/** The metrics of one process, every series with the label `service`. */
export class MetricRegistry extends Registry {
  readonly #readers: (() => void)[] = [];

  constructor(service: string) {
    super();
    this.setDefaultLabels({ service });
  }

  /** Calls `read` before each scrape; what it sets is what is shown, all of it from one instant. */
  onScrape(read: () => void): void {
    this.#readers.push(read);
  }

  addHistogram(histogram: {
    readonly name: string;
    readonly help: string;
    readonly samples: () => readonly HistogramSample[];
  }): void {
    const { name, help, samples } = histogram;
    const get = async () => ({ name, help, type: 'histogram', aggregator: 'sum', values: samples() });
    // All that the registry asks of a metric is its name and `get`; its types ask for one of its own classes.
    register(this, { name, help, get });
  }

  /** The Prometheus text. */
  override async metrics(): Promise<string> {
    for (const read of this.#readers) read();
    return await super.metrics();
  }
}

function register(registry: { registerMetric(metric: object): void }, metric: object): void {
  registry.registerMetric(metric);
}
