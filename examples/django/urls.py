"""Its page."""

from django.http import HttpRequest, JsonResponse
from django.urls import path

from unified_logger import get_logger

logger = get_logger("shop")
STOCK = {"pears": 3}


def stock(request: HttpRequest, fruit: str) -> JsonResponse:
    logger.info("stock looked up", fruit=fruit)
    return JsonResponse({"pieces": STOCK[fruit]})


urlpatterns = [path("stock/<str:fruit>", stock)]
