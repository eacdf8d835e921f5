"""The kit of pages for people: templates, their languages and looks, cookies, and forms that only our pages send."""
