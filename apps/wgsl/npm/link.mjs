// Links the program on standard input with the package, and prints it. The argument names one of wesl's manglers.
import { text } from "node:stream/consumers";
import { weslBundle } from "hard_sigmoid_wgsl";
import * as wesl from "wesl";

const linked = await wesl.link({
  weslSrc: { "main.wesl": await text(process.stdin) },
  rootModuleName: "main",
  libs: [weslBundle],
  mangler: wesl[process.argv[2]],
});
process.stdout.write(linked.dest);
