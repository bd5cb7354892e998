/** How a range of commits is spelt, and a path is not. */
export const RANGE = /[~^]|@\{|(?:^|[^./])\.\.\.?(?:$|[^./])/;
