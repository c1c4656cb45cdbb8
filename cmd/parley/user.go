package main

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"parley/api"
	"parley/store"
)

func userCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "user",
		Short: "Add, disable and list operators and admins, reset passwords, make API tokens",
		Long: "Add, disable and list operators and admins, reset passwords, make API tokens. Works on the database of DATABASE_URL, " +
			"else on the one of the `parley up` that runs on this machine.",
	}
	cmd.AddCommand(userListCommand(), userAddCommand(), userPasswordCommand(), userTokenCommand(),
		userAccessCommand("disable", "Log a user out everywhere and let them in no more; what they wrote stays", true),
		userAccessCommand("enable", "Let a disabled user in again", false))
	return cmd
}

func userListCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List operators and admins",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return onRecord(cmd, func(s *store.Store) error {
				operators, err := s.AllOperators(cmd.Context())
				if err != nil {
					return err
				}
				w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
				for _, o := range operators {
					access := ""
					if o.DisabledAt != nil {
						access = "disabled"
					}
					fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", o.Email, o.Role, o.Name, access)
				}
				return w.Flush()
			})
		},
	}
}

func userAddCommand() *cobra.Command {
	var name, role string
	var fromStdin bool
	cmd := &cobra.Command{
		Use:   "add EMAIL",
		Short: "Add an operator or admin; prints the password unless it is given",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			password, made, err := choosePassword(cmd.InOrStdin(), fromStdin)
			if err != nil {
				return err
			}
			if name == "" {
				name, _, _ = strings.Cut(args[0], "@")
			}
			in, err := api.NewOperator{Email: args[0], Name: name, Role: role, Password: password}.Prepare()
			if err != nil {
				return err
			}
			return onRecord(cmd, func(s *store.Store) error {
				o, err := s.AddOperator(cmd.Context(), in)
				if err != nil {
					return err
				}
				fmt.Fprintf(cmd.OutOrStdout(), "Added %s as %s.\n", o.Email, o.Role)
				printPassword(cmd.OutOrStdout(), password, made)
				return nil
			})
		},
	}
	cmd.Flags().StringVar(&name, "name", "", "name that customers and colleagues see (default: the part before the @)")
	cmd.Flags().StringVar(&role, "role", "operator", "operator or admin")
	cmd.Flags().BoolVar(&fromStdin, "password-stdin", false, "read the password from standard input instead of making one")
	return cmd
}

func userPasswordCommand() *cobra.Command {
	var fromStdin bool
	cmd := &cobra.Command{
		Use:   "password EMAIL",
		Short: "Give a user another password and end their sessions; prints it unless it is given",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			password, made, err := choosePassword(cmd.InOrStdin(), fromStdin)
			if err != nil {
				return err
			}
			hash, err := api.HashPassword(password)
			if err != nil {
				return err
			}
			return onRecord(cmd, func(s *store.Store) error {
				if err := s.SetPassword(cmd.Context(), args[0], hash); err != nil {
					return err
				}
				fmt.Fprintf(cmd.OutOrStdout(), "%s has another password, and has to log in again.\n", args[0])
				printPassword(cmd.OutOrStdout(), password, made)
				return nil
			})
		},
	}
	cmd.Flags().BoolVar(&fromStdin, "password-stdin", false, "read the password from standard input instead of making one")
	return cmd
}

func userAccessCommand(name, short string, disable bool) *cobra.Command {
	return &cobra.Command{
		Use:   name + " EMAIL",
		Short: short,
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return onRecord(cmd, func(s *store.Store) error {
				o, err := s.OperatorByEmail(cmd.Context(), args[0])
				if err != nil {
					return err
				}
				if _, err := s.ChangeOperator(cmd.Context(), o.ID, store.OperatorChange{Disabled: &disable}); err != nil {
					return err
				}
				fmt.Fprintf(cmd.OutOrStdout(), "%s is %sd.\n", o.Email, name)
				return nil
			})
		},
	}
}

func userTokenCommand() *cobra.Command {
	var name string
	cmd := &cobra.Command{
		Use:   "token EMAIL",
		Short: "Make an API token for a program that acts as this user; it is shown once",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return onRecord(cmd, func(s *store.Store) error {
				o, err := s.OperatorByEmail(cmd.Context(), args[0])
				if err != nil {
					return err
				}
				token, hash := api.NewToken()
				if err := s.AddAPIToken(cmd.Context(), hash, o.ID, name); err != nil {
					return err
				}
				fmt.Fprintln(cmd.OutOrStdout(), token)
				return nil
			})
		},
	}
	cmd.Flags().StringVar(&name, "name", "command line", "what the token is for")
	return cmd
}

// onRecord runs f on the record of the installation that the command is for.
func onRecord(cmd *cobra.Command, f func(s *store.Store) error) error {
	cfg, err := operatorConfig()
	if err != nil {
		return err
	}
	return withStore(cmd.Context(), cfg, f)
}

// choosePassword reads a password from stdin, or makes one.
func choosePassword(stdin io.Reader, fromStdin bool) (password string, made bool, err error) {
	if !fromStdin {
		return newPassword(), true, nil
	}
	line, err := bufio.NewReader(stdin).ReadString('\n')
	if err != nil && err != io.EOF {
		return "", false, fmt.Errorf("read the password: %w", err)
	}
	return strings.TrimRight(line, "\r\n"), false, nil
}

func printPassword(out io.Writer, password string, made bool) {
	if made {
		fmt.Fprintf(out, "Password: %s\n", password)
	}
}
