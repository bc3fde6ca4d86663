"""What stands in an invoice."""


def invoice_text(number: int, product: int) -> str:
    return f"order {number}: product {product}\n"
