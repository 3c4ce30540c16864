import django.db.models.deletion
from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.db import migrations, models

PEOPLE = [  # pk, login, names, coins
    (1001, "ada", "Ada", "Lovelace", 120),
    (1002, "grace", "Grace", "Hopper", 80),
    (1003, "mallory", "Mallory", "", 0),
]


def add_people(apps, schema_editor):
    password = make_password("edge")  # never do this: one password for everybody, printed on the login page
    for pk, login, first, last, coins in PEOPLE:
        user = apps.get_model("auth", "User").objects.create(pk=pk, username=login, first_name=first, last_name=last, password=password)
        apps.get_model("coins", "Account").objects.create(user=user, balance=coins)


class Migration(migrations.Migration):
    initial = True
    dependencies = [("auth", "0012_alter_user_first_name_max_length")]
    operations = [
        migrations.CreateModel(
            name="Account",
            fields=[
                ("user", models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, serialize=False, to=settings.AUTH_USER_MODEL)),
                ("balance", models.PositiveIntegerField()),
            ],
        ),
        migrations.RunPython(add_people, migrations.RunPython.noop),
    ]
