/** Which text of an upload a graph reads. */
import type { FeatureManifest, TextField } from '../bundle.ts';
import type { UploadText } from '../upload.ts';
import { holdsWord } from './character-classes.ts';

const JOINT = ' . ';

/** Undefined when no word is there: punctuation alone says nothing, and is absent for heads too. */
export function readText(
  text: UploadText,
  { reading, without }: Pick<FeatureManifest, 'reading' | 'without'>,
): string | undefined {
  const content = (field: TextField): string => {
    const value = field === without ? '' : (text[field] ?? '');
    return holdsWord(value) ? value : '';
  };
  if (reading === undefined) return undefined;
  const read =
    reading === 'title+description' ? content('title') + JOINT + content('description') : content(reading);
  return holdsWord(read) ? read : undefined;
}
