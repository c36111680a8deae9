export { backward, hardSigmoid, saturation } from "./arrays.js";
export { bind, bindBackward, bindSaturation, bindWithSaturation } from "./buffers.js";
export { init, presets } from "./load.js";
export { validate } from "./validate.js";
