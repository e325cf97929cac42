// The package has no types for this entry.
declare module 'msgpackr/unpack-no-eval' {
  export { Unpackr } from 'msgpackr/unpack';
}
