from django.core.management.base import BaseCommand


class Command(BaseCommand):
    help = "Does nothing: the gate ends sessions by itself. It is there for the cron jobs that call it."

    def handle(self, **options):
        pass
