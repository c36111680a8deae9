// What a bundler gives for a file: its address.
declare const address: string;
export default address;
