/** Variables that make programs run or load what they hold. */

/** By which programs load code. */
export const LOADED_VARIABLES: RegExp = /^(?:BASH_ENV|LD_PRELOAD|LD_AUDIT|DYLD_INSERT_LIBRARIES)$/;
/** Whose value other programs run. */
export const RUN_VARIABLES: RegExp =
  /PAGER$|EDITOR$|COMMAND$|VISUAL$|BROWSER$|ASKPASS$|^GIT_(?:SSH|EXTERNAL_DIFF)$|^LESS(?:OPEN|CLOSE)$/;
