"""What stands in an invoice, since version 1.5.0 with thanks."""


def invoice_text(number: int, product: int) -> str:
    return f"Invoice of order {number}\n\n1 x product {product}\n\nThank you for sailing with us.\n"
