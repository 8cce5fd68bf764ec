"""Shows the first page: is anything wrong, and how sure can one be?"""
