//! The host functions: what the module may ask of a proxy, over the stream at hand.

use wasmtime::{Caller, Linker, Result};

use super::state::{BAD_ARGUMENT, INTERNAL_FAILURE, INVALID_MEMORY_ACCESS, NOT_FOUND, OK, State};
use crate::support::stream::{self, Fields, LocalReply};
use filter::{Headers as _, Pairs};

type Host<'a> = Caller<'a, State>;
/// A status other than `OK` is an error.
type Status<T> = std::result::Result<T, u32>;

const REQUEST: u32 = 0;
const RESPONSE: u32 = 2;
const PLUGIN_CONFIGURATION: u32 = 7;
const ERROR: u32 = 4;

/// Runs a call, unless the host refuses it.
fn serve<'a>(mut host: Host<'a>, call: &str, serve: impl FnOnce(&mut Host<'a>) -> Status<()>) -> u32 {
    if let Some(status) = host.data_mut().refuses(call) {
        return status;
    }
    serve(&mut host).err().unwrap_or(OK)
}

fn read(host: &Host<'_>, at: u32, length: u32) -> Status<Vec<u8>> {
    let memory = host.data().memory.ok_or(INTERNAL_FAILURE)?;
    let end = at.checked_add(length).ok_or(INVALID_MEMORY_ACCESS)?;
    let bytes = memory.data(host).get(at as usize..end as usize);
    Ok(bytes.ok_or(INVALID_MEMORY_ACCESS)?.to_vec())
}

fn text(host: &Host<'_>, at: u32, length: u32) -> Status<String> {
    String::from_utf8(read(host, at, length)?).map_err(|_| BAD_ARGUMENT)
}

fn write(host: &mut Host<'_>, at: u32, bytes: &[u8]) -> Status<()> {
    let memory = host.data().memory.ok_or(INTERNAL_FAILURE)?;
    memory
        .write(host, at as usize, bytes)
        .map_err(|_| INVALID_MEMORY_ACCESS)
}

fn write_u32(host: &mut Host<'_>, at: u32, number: u32) -> Status<()> {
    write(host, at, &number.to_le_bytes())
}

/// Hands bytes over in memory that the module makes for them. No bytes are no memory, as in Envoy.
fn give(host: &mut Host<'_>, bytes: Vec<u8>, data: u32, length: u32) -> Status<()> {
    let bytes = host.data_mut().spoil(bytes);
    let size = u32::try_from(bytes.len()).map_err(|_| INTERNAL_FAILURE)?;
    let mut at = 0;
    if size > 0 {
        let allocate = host.data().allocate.clone().ok_or(INTERNAL_FAILURE)?;
        at = allocate.call(&mut *host, size).map_err(|_| INTERNAL_FAILURE)?;
        write(host, at, &bytes)?;
    }
    write_u32(host, data, at)?;
    write_u32(host, length, size)
}

fn map<'a>(host: &'a mut Host<'_>, map: u32) -> Status<&'a mut Fields> {
    let stream = &mut host.data_mut().stream;
    match map {
        REQUEST => Ok(&mut stream.request),
        RESPONSE => Ok(&mut stream.response),
        _ => Err(BAD_ARGUMENT),
    }
}

pub fn link(linker: &mut Linker<State>) -> Result<()> {
    link_header_reads(linker)?;
    link_header_edits(linker)?;
    link_reply(linker)?;
    link_properties(linker)?;
    link_metrics(linker)?;
    link_log_and_clock(linker)?;
    link_shared_data(linker)
}

fn link_header_reads(linker: &mut Linker<State>) -> Result<()> {
    linker.func_wrap(
        "env",
        "proxy_get_header_map_pairs",
        |host: Host<'_>, kind: u32, data: u32, len: u32| {
            serve(host, "proxy_get_header_map_pairs", |host| {
                let fields = map(host, kind)?.clone();
                let bytes = Pairs::encode(fields.iter().map(|(name, value)| (&name[..], &value[..])));
                give(host, bytes, data, len)
            })
        },
    )?;
    linker.func_wrap(
        "env",
        "proxy_get_header_map_value",
        |host: Host<'_>, kind: u32, name: u32, name_len: u32, data: u32, len: u32| {
            serve(host, "proxy_get_header_map_value", |host| {
                let name = read(host, name, name_len)?;
                let value = stream::first(map(host, kind)?, &name).map(<[u8]>::to_vec);
                give(host, value.ok_or(NOT_FOUND)?, data, len)
            })
        },
    )?;
    Ok(())
}

fn link_header_edits(linker: &mut Linker<State>) -> Result<()> {
    linker.func_wrap(
        "env",
        "proxy_replace_header_map_value",
        |host: Host<'_>, kind: u32, name: u32, name_len: u32, value: u32, value_len: u32| {
            serve(host, "proxy_replace_header_map_value", |host| {
                let (name, value) = (read(host, name, name_len)?, read(host, value, value_len)?);
                stream::set(map(host, kind)?, &name, &value);
                Ok(())
            })
        },
    )?;
    linker.func_wrap(
        "env",
        "proxy_add_header_map_value",
        |host: Host<'_>, kind: u32, name: u32, name_len: u32, value: u32, value_len: u32| {
            serve(host, "proxy_add_header_map_value", |host| {
                let line = (read(host, name, name_len)?, read(host, value, value_len)?);
                map(host, kind)?.push(line);
                Ok(())
            })
        },
    )?;
    linker.func_wrap(
        "env",
        "proxy_remove_header_map_value",
        |host: Host<'_>, kind: u32, name: u32, name_len: u32| {
            serve(host, "proxy_remove_header_map_value", |host| {
                let name = read(host, name, name_len)?;
                stream::remove(map(host, kind)?, &name);
                Ok(())
            })
        },
    )?;
    Ok(())
}

fn link_reply(linker: &mut Linker<State>) -> Result<()> {
    linker.func_wrap(
        "env",
        "proxy_send_local_response",
        |host: Host<'_>,
         status: u32,
         details: u32,
         details_len: u32,
         body: u32,
         body_len: u32,
         headers: u32,
         headers_len: u32,
         _grpc_status: i32| {
            serve(host, "proxy_send_local_response", |host| {
                let pairs = Pairs::new(read(host, headers, headers_len)?);
                let mut headers = Fields::new();
                let visited = pairs.visit(|name, value| headers.push((name.to_vec(), value.to_vec())));
                visited.map_err(|_| BAD_ARGUMENT)?;
                let reply = LocalReply {
                    status: u16::try_from(status).map_err(|_| BAD_ARGUMENT)?,
                    headers,
                    body: read(host, body, body_len)?,
                    details: text(host, details, details_len)?,
                };
                host.data_mut().stream.reply = Some(reply);
                Ok(())
            })
        },
    )?;
    Ok(())
}

fn link_properties(linker: &mut Linker<State>) -> Result<()> {
    linker.func_wrap(
        "env",
        "proxy_set_property",
        |host: Host<'_>, path: u32, path_len: u32, value: u32, value_len: u32| {
            serve(host, "proxy_set_property", |host| {
                let path = read(host, path, path_len)?;
                let value = read(host, value, value_len)?;
                host.data_mut().stream.publish(&path, &value);
                Ok(())
            })
        },
    )?;
    linker.func_wrap(
        "env",
        "proxy_get_property",
        |host: Host<'_>, path: u32, path_len: u32, data: u32, len: u32| {
            serve(host, "proxy_get_property", |host| {
                if read(host, path, path_len)? != b"plugin_name" {
                    return Err(NOT_FOUND);
                }
                let name = host.data().plugin.clone();
                give(host, name, data, len)
            })
        },
    )?;
    linker.func_wrap(
        "env",
        "proxy_get_buffer_bytes",
        |host: Host<'_>, buffer: u32, start: u32, max: u32, data: u32, len: u32| {
            serve(host, "proxy_get_buffer_bytes", |host| {
                if buffer != PLUGIN_CONFIGURATION {
                    return Err(NOT_FOUND);
                }
                let bytes = &host.data().configuration;
                let end = bytes.len().min(start.saturating_add(max) as usize);
                let part = bytes.get(start as usize..end).ok_or(BAD_ARGUMENT)?.to_vec();
                give(host, part, data, len)
            })
        },
    )?;
    Ok(())
}

fn link_metrics(linker: &mut Linker<State>) -> Result<()> {
    linker.func_wrap(
        "env",
        "proxy_define_metric",
        |host: Host<'_>, _kind: u32, name: u32, name_len: u32, id: u32| {
            serve(host, "proxy_define_metric", |host| {
                let name = text(host, name, name_len)?;
                let metrics = &mut host.data_mut().metrics;
                let known = metrics.iter().position(|it| *it == name);
                let number = known.unwrap_or(metrics.len());
                if known.is_none() {
                    metrics.push(name);
                }
                write_u32(host, id, number as u32)
            })
        },
    )?;
    linker.func_wrap("env", "proxy_increment_metric", |host: Host<'_>, id: u32, by: i64| {
        serve(host, "proxy_increment_metric", |host| {
            let state = host.data_mut();
            let name = state.metrics.get(id as usize).ok_or(NOT_FOUND)?;
            // A gauge goes up once a VM, at no stream.
            if name.starts_with("origin_gate_polic") {
                *state.gauges.entry(name.clone()).or_default() += by;
            } else {
                let times = usize::try_from(by).map_err(|_| BAD_ARGUMENT)?;
                (0..times).for_each(|_| state.stream.count(name));
            }
            Ok(())
        })
    })?;
    Ok(())
}

fn link_log_and_clock(linker: &mut Linker<State>) -> Result<()> {
    linker.func_wrap("env", "proxy_log", |host: Host<'_>, level: u32, line: u32, len: u32| {
        serve(host, "proxy_log", |host| {
            let line = text(host, line, len)?;
            if level >= ERROR {
                host.data_mut().keep(line);
            }
            Ok(())
        })
    })?;
    linker.func_wrap("env", "proxy_get_log_level", |host: Host<'_>, level: u32| {
        serve(host, "proxy_get_log_level", |host| write_u32(host, level, 2))
    })?;
    linker.func_wrap(
        "env",
        "proxy_get_current_time_nanoseconds",
        |host: Host<'_>, at: u32| {
            serve(host, "proxy_get_current_time_nanoseconds", |host| {
                let now = host.data().now.to_le_bytes();
                write(host, at, &now)
            })
        },
    )?;
    linker.func_wrap(
        "env",
        "proxy_set_tick_period_milliseconds",
        |host: Host<'_>, period: u32| {
            serve(host, "proxy_set_tick_period_milliseconds", |host| {
                host.data_mut().period = period;
                Ok(())
            })
        },
    )?;
    Ok(())
}

fn link_shared_data(linker: &mut Linker<State>) -> Result<()> {
    linker.func_wrap(
        "env",
        "proxy_get_shared_data",
        |host: Host<'_>, key: u32, key_len: u32, data: u32, len: u32, cas: u32| {
            serve(host, "proxy_get_shared_data", |host| {
                let key = read(host, key, key_len)?;
                let value = host.data().shared.get(&key).cloned().ok_or(NOT_FOUND)?;
                write_u32(host, cas, 1)?;
                give(host, value, data, len)
            })
        },
    )?;
    linker.func_wrap(
        "env",
        "proxy_set_shared_data",
        |host: Host<'_>, key: u32, key_len: u32, value: u32, value_len: u32, _cas: u32| {
            serve(host, "proxy_set_shared_data", |host| {
                let (key, value) = (read(host, key, key_len)?, read(host, value, value_len)?);
                host.data_mut().shared.insert(key, value);
                Ok(())
            })
        },
    )?;
    Ok(())
}
