# Makes envoy.yaml follow Django's settings, which Envoy then finds in its environment:
#
#   envoy --config-yaml "$(sed -f django_env.sed envoy.yaml)"
#
# The lists of origins and hosts go, since keys of the policy win over settings. The rest stays.
/"allowed_origins": \[/,/\]/d
/"allowed_hosts": \[/,/\]/d
s/^\( *\)"cors": /\1"django_env": true,\n&/
s/^\( *\)vm_id: origin_gate$/&\n\1environment_variables:\n\1  host_env_keys: [ALLOWED_HOSTS, CORS_ALLOW_ALL_ORIGINS, CORS_ALLOW_CREDENTIALS, CORS_ALLOW_HEADERS, CORS_ALLOW_METHODS, CORS_ALLOW_PRIVATE_NETWORK, CORS_ALLOWED_ORIGIN_REGEXES, CORS_ALLOWED_ORIGINS, CORS_EXPOSE_HEADERS, CORS_ORIGIN_ALLOW_ALL, CORS_ORIGIN_REGEX_WHITELIST, CORS_ORIGIN_WHITELIST, CORS_PREFLIGHT_MAX_AGE, CORS_URLS_REGEX, CSRF_TRUSTED_ORIGINS, DEBUG]/
