//! From the table that is to the table that is wanted, in the fewest steps that never leave a
//! service that stays without a destination.
use super::table::{Destination, DestinationKey, Service, ServiceKey, Table};
use std::{collections::BTreeSet, fmt, sync::Arc};

/// One message to the kernel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// The service alone: its destinations follow in steps of their own.
    AddService {
        key: ServiceKey,
        service: Arc<Service>,
    },
    EditService {
        key: ServiceKey,
        service: Arc<Service>,
    },
    /// With all the destinations it still has.
    DeleteService {
        key: ServiceKey,
    },
    AddDestination {
        service: ServiceKey,
        at: DestinationKey,
        destination: Destination,
    },
    EditDestination {
        service: ServiceKey,
        at: DestinationKey,
        destination: Destination,
    },
    DeleteDestination {
        service: ServiceKey,
        at: DestinationKey,
    },
}

/// The services that are ours to delete: what we have ever wanted and not yet seen gone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Owned(pub BTreeSet<ServiceKey>);

/// The steps from `observed` to `wanted`.
///
/// Per service: the service itself, new destinations, raised weights, other edits, deletions. At
/// the end the services that we own and want no more. What is neither wanted nor owned belongs to
/// somebody else and is left alone. A service that both tables share (one `Arc`) costs one pointer
/// comparison.
#[must_use]
pub fn plan(observed: &Table, wanted: &Table, owned: &Owned) -> Vec<Step> {
    let mut steps = vec![];
    for (key, service) in &wanted.0 {
        match observed.0.get(key) {
            Some(is) if Arc::ptr_eq(is, service) => {}
            Some(is) => edit_service(*key, is, service, &mut steps),
            None => {
                steps.push(Step::AddService { key: *key, service: Arc::clone(service) });
                steps.extend(service.destinations.iter().map(|(at, destination)| {
                    Step::AddDestination { service: *key, at: *at, destination: *destination }
                }));
            }
        }
    }
    let gone =
        owned.0.iter().filter(|key| observed.0.contains_key(key) && !wanted.0.contains_key(key));
    steps.extend(gone.map(|key| Step::DeleteService { key: *key }));
    steps
}

fn edit_service(key: ServiceKey, is: &Service, wanted: &Arc<Service>, steps: &mut Vec<Step>) {
    if !is.same_settings(wanted) {
        steps.push(Step::EditService { key, service: Arc::clone(wanted) });
    }
    let mut edits = vec![];
    for (at, destination) in &wanted.destinations {
        let (service, at, destination) = (key, *at, *destination);
        match is.destinations.get(&at) {
            None => steps.push(Step::AddDestination { service, at, destination }),
            Some(old) if *old == destination => {}
            Some(old) => {
                let raised = destination.weight > old.weight;
                edits.push((!raised, Step::EditDestination { service, at, destination }));
            }
        }
    }
    edits.sort_by_key(|(later, _)| *later);
    steps.extend(edits.into_iter().map(|(_, step)| step));
    let gone = is.destinations.keys().filter(|at| !wanted.destinations.contains_key(at));
    steps.extend(gone.map(|at| Step::DeleteDestination { service: key, at: *at }));
}

impl Step {
    /// The service it concerns.
    #[must_use]
    pub const fn key(&self) -> ServiceKey {
        match self {
            Self::AddService { key, .. }
            | Self::EditService { key, .. }
            | Self::DeleteService { key } => *key,
            Self::AddDestination { service, .. }
            | Self::EditDestination { service, .. }
            | Self::DeleteDestination { service, .. } => *service,
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AddService { key, .. } => write!(f, "adding {key}"),
            Self::EditService { key, .. } => write!(f, "changing {key}"),
            Self::DeleteService { key } => write!(f, "removing {key}"),
            Self::AddDestination { service, at, .. } => write!(f, "adding {at} to {service}"),
            Self::EditDestination { service, at, destination } => {
                write!(f, "changing {at} of {service} (weight {})", destination.weight)
            }
            Self::DeleteDestination { service, at } => write!(f, "removing {at} from {service}"),
        }
    }
}
