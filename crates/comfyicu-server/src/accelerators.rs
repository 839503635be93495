//! Which accelerators the server says it serves.

use std::str::FromStr;
use std::sync::Arc;

use comfyicu_model::{Accelerator, Finding};

/// Which accelerators a run may ask for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Accelerators {
    served: Served,
    default: Accelerator,
    /// What the executors are, in their order.
    executors: Arc<[Accelerator]>,
}

/// Which of the runs one executor takes.
#[derive(Clone, Debug)]
pub(crate) struct Share {
    accelerators: Accelerators,
    /// The executor's own; `None` takes all.
    own: Option<Accelerator>,
}

impl Share {
    /// Whether runs that were given this accelerator are executed by it: those that name its own, and for the
    /// first executor those that name none of the others' too.
    pub(crate) fn takes(&self, chosen: &str) -> bool {
        let Some(own) = &self.own else { return self.accelerators.serves(chosen) };
        let executors = &self.accelerators.executors;
        let is_named = executors.iter().any(|executor| executor.as_str() == chosen);
        let takes = own.as_str() == chosen || (!is_named && executors.first() == Some(own));
        takes && self.accelerators.serves(chosen)
    }
}

/// `--accelerators`: a list of names, or `any`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Served {
    Any,
    Only(Arc<[Accelerator]>),
}

impl FromStr for Served {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let names = text.split(',').map(str::trim).filter(|name| !name.is_empty());
        if names.clone().any(|name| name.eq_ignore_ascii_case("any")) {
            return Ok(Self::Any);
        }
        let names: Arc<[Accelerator]> = names.map(Accelerator::from).collect();
        if names.is_empty() { Err("it names no accelerator") } else { Ok(Self::Only(names)) }
    }
}

impl Accelerators {
    /// Without a list the server serves what its executors are. A run that asks for none gets the first
    /// executor's, when that is served, or else the first of the list.
    pub(crate) fn new(served: Option<Served>, executors: &[Accelerator]) -> Self {
        let executor = executors.first().unwrap_or(&Accelerator::Cpu);
        let served = served.unwrap_or_else(|| Served::Only(executors.into()));
        let default = match &served {
            Served::Only(names) if !names.contains(executor) => names.first().unwrap_or(executor).clone(),
            _ => executor.clone(),
        };
        Self { served, default, executors: executors.into() }
    }

    /// Which runs the executor of this accelerator takes; all, where there is no telling them apart.
    pub(crate) fn share(&self, own: Option<&Accelerator>) -> Share {
        Share { accelerators: self.clone(), own: own.cloned() }
    }

    /// The accelerator of a run: the one it asks for when that is served, or the default.
    pub(crate) fn choose(&self, requested: Option<&Accelerator>) -> Result<String, Box<Finding>> {
        let chosen = requested.unwrap_or(&self.default);
        match &self.served {
            Served::Only(names) if !names.contains(chosen) => {
                let message = format!("this server does not serve the accelerator {chosen}");
                let suggestion = format!("it serves {}", self.names().join(", "));
                let finding = Finding::new("accelerator_not_served", message).at_input("accelerator");
                Err(Box::new(finding.suggest(suggestion)))
            }
            _ => Ok(chosen.to_string()),
        }
    }

    /// Whether runs that were given this accelerator are executed here.
    pub(crate) fn serves(&self, chosen: &str) -> bool {
        match &self.served {
            Served::Any => true,
            Served::Only(names) => names.iter().any(|name| name.as_str() == chosen),
        }
    }

    /// The names that are served; `any` is all of them.
    pub(crate) fn names(&self) -> Vec<&str> {
        match &self.served {
            Served::Any => vec!["any"],
            Served::Only(names) => names.iter().map(Accelerator::as_str).collect(),
        }
    }

    /// What a run gets that asks for none.
    pub(crate) const fn default_accelerator(&self) -> &Accelerator {
        &self.default
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choose(list: Option<&str>, requested: Option<&str>) -> Result<String, String> {
        let served = list.map(|list| list.parse().unwrap());
        let requested = requested.map(Accelerator::from);
        Accelerators::new(served, &[Accelerator::Cpu])
            .choose(requested.as_ref())
            .map_err(|finding| finding.to_string())
    }

    #[test]
    fn each_executor_takes_its_own_and_the_first_what_is_nobodys() {
        let served = Some("L4,A10,T4".parse().unwrap());
        let accelerators = Accelerators::new(served, &[Accelerator::L4, Accelerator::A10]);
        let takes = |own: &Accelerator| {
            let share = accelerators.share(Some(own));
            ["L4", "A10", "T4", "H100"].map(|chosen| share.takes(chosen))
        };
        assert_eq!(takes(&Accelerator::L4), [true, false, true, false]);
        assert_eq!(takes(&Accelerator::A10), [false, true, false, false]);
        assert!(accelerators.share(None).takes("A10"));
    }

    #[test]
    fn what_is_served_is_chosen_and_what_is_not_is_named() {
        assert_eq!(choose(None, None).as_deref(), Ok("CPU"));
        assert_eq!(choose(Some("L4, A10"), None).as_deref(), Ok("L4"));
        assert_eq!(choose(Some("L4,CPU"), None).as_deref(), Ok("CPU"));
        assert_eq!(choose(Some("L4,A10"), Some("A10")).as_deref(), Ok("A10"));
        assert_eq!(choose(Some("T4, any"), Some("A100_40GB")).as_deref(), Ok("A100_40GB"));
        assert_eq!(choose(Some("any"), None).as_deref(), Ok("CPU"));
        assert!(" , ".parse::<Served>().is_err());
        insta::assert_snapshot!(choose(Some("L4,A10"), Some("H100")).unwrap_err(), @"this server does not serve the accelerator H100 (it serves L4, A10)");
    }
}
