;; The least that a module of proxy-wasm can do and still do what Origin Gate does to a request: it makes the same host calls
;; and runs no code of its own. What Origin Gate costs above this is the project's to save; what this costs is the host's.
;;
;; The length of its configuration says what it does to every request:
;;   0  reads the headers, publishes a finding, reads the response's headers, and adds `Vary: Origin`;
;;   1  the same, and sets two headers as for an allowed origin;
;;   2  reads the headers, publishes, and answers as a preflight is answered.
;; What is counted is written at a tick, and so is not of a request.
(module
  (import "env" "proxy_get_header_map_pairs" (func $pairs (param i32 i32 i32) (result i32)))
  (import "env" "proxy_replace_header_map_value" (func $set (param i32 i32 i32 i32 i32) (result i32)))
  (import "env" "proxy_add_header_map_value" (func $add (param i32 i32 i32 i32 i32) (result i32)))
  (import "env" "proxy_set_property" (func $publish (param i32 i32 i32 i32) (result i32)))
  (import "env" "proxy_send_local_response" (func $reply (param i32 i32 i32 i32 i32 i32 i32 i32) (result i32)))

  (memory (export "memory") 4)
  (global $configured (mut i32) (i32.const 0))

  ;; 0 to 7: what host calls write: an address, a length.
  (data (i32.const 16) "vary")
  (data (i32.const 32) "Origin")
  (data (i32.const 48) "access-control-allow-origin")
  (data (i32.const 96) "access-control-allow-credentials")
  (data (i32.const 144) "https://slykertech.co.zw")
  (data (i32.const 176) "true")
  (data (i32.const 192) "floor")
  (data (i32.const 208) "cors:allowed:listed")
  ;; A header map as it crosses the ABI, of 453 bytes.
  (data (i32.const 1024)
    "\07\00\00\00"
    "\1b\00\00\00\18\00\00\00"
    "\20\00\00\00\04\00\00\00"
    "\1c\00\00\00\26\00\00\00"
    "\1c\00\00\00\4e\00\00\00"
    "\16\00\00\00\04\00\00\00"
    "\04\00\00\00\45\00\00\00"
    "\0d\00\00\00\08\00\00\00"
    "access-control-allow-origin\00https://slykertech.co.zw\00"
    "access-control-allow-credentials\00true\00"
    "access-control-allow-methods\00DELETE, GET, OPTIONS, PATCH, POST, PUT\00"
    "access-control-allow-headers\00accept, authorization, content-type, user-agent, x-csrftoken, x-requested-with\00"
    "access-control-max-age\007200\00"
    "vary\00Origin, Access-Control-Request-Method, Access-Control-Request-Headers\00"
    "cache-control\00no-store\00")

  (func (export "proxy_abi_version_0_2_1"))

  ;; All that the host hands over is read at once, so that it may come to lie in the same place each time.
  (func (export "proxy_on_memory_allocate") (param i32) (result i32)
    (i32.const 65536))

  (func (export "proxy_on_context_create") (param i32 i32))

  (func (export "proxy_on_vm_start") (param i32 i32) (result i32)
    (i32.const 1))

  (func (export "proxy_on_configure") (param i32 i32) (result i32)
    (global.set $configured (local.get 1))
    (i32.const 1))

  (func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32)
    (drop (call $pairs (i32.const 0) (i32.const 0) (i32.const 4)))
    (drop (call $publish (i32.const 192) (i32.const 5) (i32.const 208) (i32.const 19)))
    (if (i32.eq (global.get $configured) (i32.const 2))
      (then
        (drop (call $reply
          (i32.const 204)
          (i32.const 192) (i32.const 5)
          (i32.const 0) (i32.const 0)
          (i32.const 1024) (i32.const 453)
          (i32.const -1)))
        (return (i32.const 1))))
    (i32.const 0))

  (func (export "proxy_on_response_headers") (param i32 i32 i32) (result i32)
    (if (i32.ne (global.get $configured) (i32.const 2))
      (then
        (drop (call $pairs (i32.const 2) (i32.const 0) (i32.const 4)))
        (if (i32.eq (global.get $configured) (i32.const 1))
          (then
            (drop (call $set (i32.const 2) (i32.const 48) (i32.const 27) (i32.const 144) (i32.const 24)))
            (drop (call $set (i32.const 2) (i32.const 96) (i32.const 32) (i32.const 176) (i32.const 4)))))
        (drop (call $add (i32.const 2) (i32.const 16) (i32.const 4) (i32.const 32) (i32.const 6)))))
    (i32.const 0))

  (func (export "proxy_on_delete") (param i32)))
