"""`make docs`: write the generated pages and pictures of docs/."""

from recruit_assets_tests.generated_docs.write import write_files

if __name__ == "__main__":
    write_files()
