from django.urls import path

from . import views

urlpatterns = [
    path("", views.page),
    path("api/billing/carts/current/", views.CurrentCart.as_view()),
    path("api/billing/carts/<int:number>/", views.Cart.as_view()),
    path("api/auth/buyer/orders/", views.Orders.as_view()),
    path("api/questions/", views.question),
    path("api/boom/", views.boom),
    path("api/slow/", views.slow),
]
