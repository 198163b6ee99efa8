/** Checks of what scores: the decoder, the execution providers, the bundle. Each is tried, not looked up. */
import type { RunOptions } from '../../config/options.ts';
import type { Topology } from '../../runtime/topology.ts';
import { openDecoder } from '../compose/decoder.ts';
import { openBundle, openGraphs } from '../compose/parts.ts';
import { type Check, type CheckResult, failed, info, ok } from './checks.ts';

export function decoderCheck(options: RunOptions): Check {
  return {
    name: 'decoder',
    run: async () => {
      const decoder = await openDecoder({
        choice: options.decoder,
        children: 1,
        sandbox: 'off',
        readable: [],
      });
      await decoder.close();
      return [ok('decoder', decoder.build)];
    },
  };
}

export function providerCheck(options: RunOptions): Check {
  return {
    name: 'execution providers',
    run: async () => {
      const { probeProviders } = await import('../../adapters/inference-onnx/providers.ts');
      return (await probeProviders()).map(({ provider, available, reason }): CheckResult => {
        const name = `provider ${provider}`;
        if (available) return ok(name, provider === options.provider ? 'works, in use' : 'works');
        if (provider !== options.provider) return info(name, `not here: ${reason}`);
        return failed(name, reason ?? 'does not work', 'install the library named, or use --provider cpu');
      });
    },
  };
}

export function bundleCheck(options: RunOptions, topology: Topology): Check {
  return {
    name: 'bundle',
    run: async () => {
      const bundle = await openBundle(options, topology.bundle);
      const { verifyBundle } = await import('../../adapters/model-repository/verify.ts');
      const inference = await openGraphs(bundle, options, { workers: 1, intraOpThreads: 1 });
      try {
        const wrong = (await verifyBundle(bundle, inference)).filter((check) => !check.ok);
        if (wrong.length === 0) return [ok('bundle', `${bundle.label} computes its golden vectors`)];
        const fix = `run models verify ${bundle.label}, and fetch the bundle again`;
        return wrong.map(({ name, detail }) => failed(`bundle ${bundle.label}`, `${name}: ${detail}`, fix));
      } finally {
        await inference.close();
      }
    },
  };
}
