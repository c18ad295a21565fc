from django.contrib.auth.models import User
from django.core.management.base import BaseCommand
from rest_framework.authtoken.models import Token


class Command(BaseCommand):
    help = "Makes a buyer whose token is given, so that the demo can log in."

    def add_arguments(self, parser):
        parser.add_argument("token")

    def handle(self, token, **options):
        buyer, _ = User.objects.get_or_create(username="buyer")
        Token.objects.update_or_create(user=buyer, defaults={"key": token})
