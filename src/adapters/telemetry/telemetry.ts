/**
 * The OpenTelemetry SDK, wired only when something was asked for.
 *
 * T1. Without a consumer (no metrics endpoint, no OTLP) nothing of the SDK is loaded: the API's calls stay no-ops.
 * T2. It starts before the runtime is built: the API hands out meters that are real only from then on.
 * T3. A collector that is slow or gone costs spans and a warning, never an upload: queues are bounded and drop.
 */
import type { FirstFiveTelemetry, TelemetryOptions } from './telemetry-options.ts';

const OFF: FirstFiveTelemetry = {
  metricsText: async () => '',
  shutdown: async () => {},
};

export async function startTelemetry(options: TelemetryOptions): Promise<FirstFiveTelemetry> {
  if (!options.prometheus && options.otlp === undefined) return OFF;
  const { startSdk } = await import('./sdk.ts');
  return startSdk(options);
}

export type { FirstFiveTelemetry, TelemetryOptions } from './telemetry-options.ts';
