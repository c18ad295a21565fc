from django.conf import settings


class EnhancedCorsMiddleware:
    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        response = self.get_response(request)
        origin = request.headers.get("Origin")
        if origin in settings.CORS_ALLOWED_ORIGINS and "Access-Control-Allow-Origin" not in response:
            response["Access-Control-Allow-Origin"] = origin
        return response
