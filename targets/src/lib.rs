//! Designs as data, and the lab that brings them up: sealed, real, and gone without a trace.

mod alerts;
mod certificates;
pub mod claims;
mod config;
pub mod control;
mod design;
mod explanation;
mod firewall;
mod groups;
mod hardware;
mod input;
mod lab;
mod network;
mod part;
pub mod parts;
pub mod probe;
mod registry;
pub mod seal;
mod supervisor;
mod topology;
mod tree;
mod zone;

pub use alerts::take_post;
pub use config::ConfigError;
pub use design::{Design, DesignError, builtin_designs};
pub use explanation::{elements_of, explanation, terms};
pub use hardware::{Hardware, Unit};
pub use input::InputError;
pub use lab::{Lab, UpError, UpOptions, builtin_app_dir, intended};
pub use network::{NetworkError, namespace_path};
pub use part::{DatabaseRole, Part};
pub use registry::{RunningLab, running_labs};
pub use supervisor::ServiceError;
pub use topology::{NodePlan, PartPlan, Setting, Topology};
pub use zone::zone;
