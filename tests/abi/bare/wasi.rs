//! The little of WASI that the module needs: an environment, and random numbers that are not.

use wasmtime::{Caller, Linker, Memory, Result, bail};

use super::state::State;

type Host<'a> = Caller<'a, State>;

const WASI: &str = "wasi_snapshot_preview1";
const FAULT: u32 = 21;

fn memory(host: &Host<'_>) -> Result<Memory> {
    match host.data().memory {
        Some(memory) => Ok(memory),
        None => bail!("the module is not there yet"),
    }
}

fn write(host: &mut Host<'_>, at: u32, bytes: &[u8]) -> Result<u32> {
    let memory = memory(host)?;
    Ok(memory.write(host, at as usize, bytes).map_or(FAULT, |()| 0))
}

fn variables(host: &Host<'_>) -> Vec<Vec<u8>> {
    let lines = host.data().environment.iter();
    lines
        .map(|(name, value)| format!("{name}={value}\0").into_bytes())
        .collect()
}

pub fn link(linker: &mut Linker<State>) -> Result<()> {
    link_environment(linker)?;
    link_random_and_clock(linker)?;
    link_ends(linker)
}

fn link_environment(linker: &mut Linker<State>) -> Result<()> {
    linker.func_wrap(
        WASI,
        "environ_sizes_get",
        |mut host: Host<'_>, count: u32, size: u32| -> Result<u32> {
            let variables = variables(&host);
            write(&mut host, count, &(variables.len() as u32).to_le_bytes())?;
            write(&mut host, size, &(variables.concat().len() as u32).to_le_bytes())
        },
    )?;
    linker.func_wrap(
        WASI,
        "environ_get",
        |mut host: Host<'_>, mut pointers: u32, mut at: u32| -> Result<u32> {
            for variable in variables(&host) {
                write(&mut host, pointers, &at.to_le_bytes())?;
                write(&mut host, at, &variable)?;
                pointers += 4;
                at += variable.len() as u32;
            }
            Ok(0)
        },
    )?;
    Ok(())
}

fn link_random_and_clock(linker: &mut Linker<State>) -> Result<()> {
    linker.func_wrap(
        WASI,
        "random_get",
        |mut host: Host<'_>, at: u32, length: u32| -> Result<u32> {
            let bytes = host.data_mut().random.bytes(length as usize);
            write(&mut host, at, &bytes)
        },
    )?;
    linker.func_wrap(
        WASI,
        "clock_time_get",
        |mut host: Host<'_>, _id: u32, _precision: u64, at: u32| -> Result<u32> {
            let now = host.data().now.to_le_bytes();
            write(&mut host, at, &now)
        },
    )?;
    Ok(())
}

/// Where a panic writes its lines, which say what a trap does not, and where a module ends itself.
fn link_ends(linker: &mut Linker<State>) -> Result<()> {
    linker.func_wrap(
        WASI,
        "fd_write",
        |mut host: Host<'_>, _fd: u32, parts: u32, count: u32, written: u32| -> Result<u32> {
            let memory = memory(&host)?;
            let number = |at: u32| -> Option<u32> {
                let bytes = memory.data(&host).get(at as usize..at as usize + 4)?;
                Some(u32::from_le_bytes(bytes.try_into().ok()?))
            };
            let mut text = Vec::new();
            for part in 0..count.min(64) {
                let (Some(at), Some(length)) = (number(parts + part * 8), number(parts + part * 8 + 4)) else {
                    return Ok(FAULT);
                };
                let end = at as usize + length as usize;
                text.extend_from_slice(memory.data(&host).get(at as usize..end).unwrap_or_default());
            }
            host.data_mut().keep(String::from_utf8_lossy(&text).into_owned());
            write(&mut host, written, &(text.len() as u32).to_le_bytes())
        },
    )?;
    linker.func_wrap(WASI, "proc_exit", |_: Host<'_>, code: u32| -> Result<()> {
        bail!("the module ended itself with {code}")
    })?;
    Ok(())
}
