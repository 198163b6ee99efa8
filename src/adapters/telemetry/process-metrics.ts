/** What the process itself says: memory, CPU, and how late its event loop runs (names of the semantic conventions). */
import { monitorEventLoopDelay, performance } from 'node:perf_hooks';
import { metrics } from '@opentelemetry/api';

const DELAY_RESOLUTION_MS = 20;

/** Registers the gauges on the global meter; the function returned ends the measuring. */
export function observeProcess(): () => void {
  const meter = metrics.getMeter('firstfive');
  const memory = meter.createObservableGauge('process.memory.usage', {
    unit: 'By',
    description: 'Resident memory of this process, without its decoder children',
  });
  const cpu = meter.createObservableCounter('process.cpu.time', {
    unit: 's',
    description: 'CPU time by mode',
  });
  const delay = meter.createObservableGauge('nodejs.eventloop.delay.p99', {
    unit: 's',
    description: 'How late the event loop ran since the last reading',
  });
  const utilisation = meter.createObservableGauge('nodejs.eventloop.utilization', {
    unit: '1',
    description: 'Share of time the event loop was busy since the last reading',
  });
  const histogram = monitorEventLoopDelay({ resolution: DELAY_RESOLUTION_MS });
  histogram.enable();
  let last = performance.eventLoopUtilization();
  meter.addBatchObservableCallback(
    (result) => {
      const { user, system } = process.cpuUsage();
      result.observe(memory, process.memoryUsage.rss());
      result.observe(cpu, user / 1e6, { 'cpu.mode': 'user' });
      result.observe(cpu, system / 1e6, { 'cpu.mode': 'system' });
      result.observe(delay, delaySeconds(histogram.percentile(99)));
      histogram.reset();
      const now = performance.eventLoopUtilization();
      result.observe(utilisation, performance.eventLoopUtilization(now, last).utilization);
      last = now;
    },
    [memory, cpu, delay, utilisation],
  );
  return () => histogram.disable();
}

/** The monitor measures its own timer: what exceeds its resolution is the delay. */
function delaySeconds(nanoseconds: number): number {
  return Math.max(0, nanoseconds / 1e9 - DELAY_RESOLUTION_MS / 1e3);
}
