from dataworkspaces.gitfat.cli import main

main()
