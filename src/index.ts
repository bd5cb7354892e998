/** fencepost as a library. */
export type * from './model/series.ts';
