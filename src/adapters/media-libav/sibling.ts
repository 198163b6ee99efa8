/** Entry points of other threads and processes beside this module, in whichever form this module itself runs. */

/** `name` beside `importer`, with the importer's extension: `.ts` from the sources, `.js` from a build. */
export function siblingModule(name: string, importer: string): URL {
  return new URL(`./${name}${importer.endsWith('.ts') ? '.ts' : '.js'}`, importer);
}
