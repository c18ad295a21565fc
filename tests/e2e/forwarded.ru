# Answers with the host that Rack holds a request to be for, and with the release of Rack.
run ->(env) { [200, { "content-type" => "text/plain", "x-rack" => Rack.release }, [Rack::Request.new(env).host]] }
