# Answers with the host that Rack holds a request to be for.
run ->(env) { [200, { "content-type" => "text/plain" }, [Rack::Request.new(env).host]] }
