//! A host of proxy-wasm ABI 0.2.1 with nothing between it and the module: every callback can be called at any time, with
//! any numbers.

mod calls;
pub mod state;
mod wasi;

use std::collections::BTreeMap;
use std::path::Path;

use wasmtime::{
    Config, Engine, ExternType, Func, Instance, InstancePre, Linker, Module, Result, Store, StoreLimitsBuilder, Val,
};

use crate::support::Suite;
use crate::support::stream::{Host, Stream};
use state::{Faults, Refusal, State, UNIMPLEMENTED};

/// The root context of every VM here.
pub const ROOT: u32 = 1;
pub const CONTINUE: u32 = 0;

/// Instructions that a callback may take; beyond that it hangs.
const FUEL: u64 = 100_000_000_000;
const MEMORY: usize = 512 << 20;

/// The module, compiled.
#[derive(Clone)]
pub struct Compiled {
    engine: Engine,
    instance: InstancePre<State>,
}

impl Compiled {
    pub fn load(path: &Path) -> Self {
        let mut config = Config::new();
        config.consume_fuel(true);
        let engine = Engine::new(&config).unwrap();
        let bytes = std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let module = Module::new(&engine, bytes).unwrap();
        let mut linker = Linker::new(&engine);
        calls::link(&mut linker).unwrap();
        wasi::link(&mut linker).unwrap();
        link_unserved(&mut linker, &module).unwrap();
        let instance = linker.instantiate_pre(&module).unwrap();
        Self { engine, instance }
    }
}

/// What else the module could ask for is there, and does nothing.
fn link_unserved(linker: &mut Linker<State>, module: &Module) -> Result<()> {
    let engine = module.engine().clone();
    let mut store = Store::new(&engine, State::default());
    for import in module.imports() {
        let ExternType::Func(kind) = import.ty() else { continue };
        if linker.get_by_import(&mut store, &import).is_none() {
            linker.func_new(import.module(), import.name(), kind, |_, _, results| {
                results.fill(Val::I32(UNIMPLEMENTED.cast_signed()));
                Ok(())
            })?;
        }
    }
    Ok(())
}

/// One VM, and for [`Host`] one stream in it at a time.
pub struct Vm {
    pub store: Store<State>,
    callbacks: BTreeMap<String, Func>,
    /// The instructions of the last callback.
    pub spent: u64,
    stream: u32,
}

impl Vm {
    /// A VM whose root context is there, and not configured.
    pub fn new(compiled: &Compiled, refusal: Refusal) -> Self {
        let state = State {
            refusal,
            limits: StoreLimitsBuilder::new().memory_size(MEMORY).build(),
            ..State::default()
        };
        let mut store = Store::new(&compiled.engine, state);
        store.limiter(|state| &mut state.limits);
        store.set_fuel(FUEL).unwrap();
        let instance = compiled.instance.instantiate(&mut store).unwrap();
        let (state_memory, allocate) = imports_of(&mut store, instance);
        store.data_mut().memory = state_memory;
        store.data_mut().allocate = allocate;
        let exports: Vec<_> = instance
            .exports(&mut store)
            .filter_map(|it| Some((it.name().to_owned(), it.into_func()?)))
            .collect();
        let mut vm = Self {
            store,
            callbacks: exports.into_iter().collect(),
            spent: 0,
            stream: ROOT,
        };
        vm.call("_initialize", &[]).unwrap();
        vm.call("proxy_on_context_create", &[ROOT, 0]).unwrap();
        vm.call("proxy_on_vm_start", &[ROOT, 0]).unwrap();
        vm
    }

    /// A VM that holds a policy.
    pub fn with(compiled: &Compiled, suite: &Suite, refusal: Refusal) -> Self {
        let mut vm = Self::new(compiled, refusal);
        vm.store.data_mut().environment = suite.environment.clone();
        assert!(
            vm.configure(suite.policy.as_bytes()),
            "{}: {:?}",
            suite.file,
            vm.store.data().lines
        );
        vm
    }

    /// Whether the policy was taken.
    pub fn configure(&mut self, policy: &[u8]) -> bool {
        self.store.data_mut().configuration = policy.to_vec();
        let size = u32::try_from(policy.len()).unwrap();
        let taken = self.call("proxy_on_configure", &[ROOT, size]).unwrap();
        // It is this tick at which the VM counts itself among those that hold the policy.
        self.tick(&mut Stream::default());
        taken == Some(1)
    }

    /// A tick, if the module has asked for any, that falls into the time of a stream; what it took. Counters are written at
    /// it, and so to the stream.
    pub fn tick(&mut self, stream: &mut Stream) -> u64 {
        if self.store.data().period == 0 {
            return 0;
        }
        let spent = self.spent;
        self.call_over(stream, "proxy_on_tick", &[ROOT]).unwrap();
        std::mem::replace(&mut self.spent, spent)
    }

    /// Calls back; `None` where the module does not export this, or returns nothing.
    ///
    /// # Errors
    ///
    /// The trap, with what the module said before it.
    pub fn call(&mut self, callback: &str, arguments: &[u32]) -> Result<Option<u32>, String> {
        let Some(function) = self.callbacks.get(callback) else {
            return Ok(None);
        };
        self.store.set_fuel(FUEL).unwrap();
        let arguments = [0, 1, 2].map(|at| Val::I32(arguments.get(at).copied().unwrap_or_default().cast_signed()));
        let kind = function.ty(&self.store);
        let mut result = [Val::I32(0)];
        let called = function.call(
            &mut self.store,
            &arguments[..kind.params().len()],
            &mut result[..kind.results().len()],
        );
        self.spent = FUEL - self.store.get_fuel().unwrap();
        match called {
            Ok(()) if kind.results().len() == 0 => Ok(None),
            Ok(()) => Ok(result[0].i32().map(i32::cast_unsigned)),
            Err(error) => Err(format!("{callback}: {error:?}\n{}", self.store.data().lines.join("\n"))),
        }
    }

    pub fn pages(&self) -> u64 {
        self.store.data().memory.map_or(0, |it| it.size(&self.store))
    }

    pub fn fail_at_random(&mut self, faults: Option<Faults>) {
        self.store.data_mut().faults = faults;
    }

    /// Calls back over a stream.
    ///
    /// # Errors
    ///
    /// The trap.
    pub fn call_over(&mut self, stream: &mut Stream, callback: &str, arguments: &[u32]) -> Result<Option<u32>, String> {
        std::mem::swap(&mut self.store.data_mut().stream, stream);
        let result = self.call(callback, arguments);
        std::mem::swap(&mut self.store.data_mut().stream, stream);
        result
    }
}

type Imports = (Option<wasmtime::Memory>, Option<wasmtime::TypedFunc<u32, u32>>);

fn imports_of(store: &mut Store<State>, instance: Instance) -> Imports {
    let allocate = instance.get_typed_func(&mut *store, "proxy_on_memory_allocate");
    (instance.get_memory(&mut *store, "memory"), allocate.ok())
}

impl Vm {
    /// Begins a stream whose number is at least that.
    pub fn begin_at(&mut self, number: u32) {
        self.stream = self.stream.max(number);
        self.begin();
    }

    /// Ends the stream, and says what that took.
    pub fn end_at_a_cost(&mut self) -> u64 {
        let mut spent = 0;
        for callback in ["proxy_on_done", "proxy_on_log", "proxy_on_delete"] {
            self.spent = 0;
            self.call(callback, &[self.stream]).unwrap();
            spent += self.spent;
        }
        spent
    }
}

impl Host for Vm {
    fn begin(&mut self) {
        self.stream += 1;
        self.call("proxy_on_context_create", &[self.stream, ROOT]).unwrap();
    }

    fn on_request(&mut self, stream: &mut Stream) -> bool {
        let count = stream.request.len() as u32;
        let action = self.call_over(stream, "proxy_on_request_headers", &[self.stream, count, 1]);
        self.tick(stream);
        action.unwrap() == Some(CONTINUE)
    }

    fn on_response(&mut self, stream: &mut Stream) {
        let count = stream.response.len() as u32;
        self.call_over(stream, "proxy_on_response_headers", &[self.stream, count, 1])
            .unwrap();
        self.tick(stream);
    }

    fn end(&mut self) {
        self.end_at_a_cost();
    }
}
