//! How OpenCode comes to be recorded.
//!
//! * [`plugin`]: the plugin's files, carried in this binary and laid out where OpenCode can load them.
//! * [`shim`]: the one line in OpenCode's plugin folder by which `octrace install` makes it load them.
//! * [`install`]: that for the user or for a project, and its undoing.
//! * [`packages`]: OpenCode's wait for packages that a recorded one must not be slower by.
//! * [`folders`]: the configuration folders that OpenCode looks at; [`git`]: what git would show of them.
//! * [`launch`]: one OpenCode recorded without touching its configuration, for `run` and `demo`.
//! * [`opencode`]: which OpenCode there is; [`pinned`]: the one that `demo` gets where there is none.
//! * [`showcase`]: the throw-away home in which the demo happens.

pub(crate) mod folders;
pub(crate) mod git;
pub(crate) mod install;
pub(crate) mod launch;
pub(crate) mod opencode;
pub(crate) mod packages;
pub(crate) mod pinned;
pub(crate) mod plugin;
pub(crate) mod shim;
pub(crate) mod showcase;
