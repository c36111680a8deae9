/** A package of shaders, as wesl-packager writes it. */
export interface WeslBundle {
  /** The name to import from. */
  name: string;
  /** The edition of WESL. */
  edition: string;
  /** The source of each module, by file. */
  modules: Record<string, string>;
  /** Packages that this one refers to. */
  dependencies?: WeslBundle[];
}

export declare const weslBundle: WeslBundle;
export default weslBundle;
